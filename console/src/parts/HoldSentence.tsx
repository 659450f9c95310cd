import { defineWords, useWords } from '@/words/words'
import { SafeText } from './SafeText'

/** English is what the service says; other languages say it anew, unless only the service knows who and why. */
const holdWords = defineWords(
  'holds',
  {
    full: '{{message}}',
    rate: '{{message}}',
    paused: '{{message}}',
    draining: '{{message}}',
    ceiling: '{{message}}',
    down: '{{message}}',
    workers_full: '{{message}}',
    no_worker: '{{message}}',
    undefined: '{{message}}',
    later: '{{message}}',
    turn: '{{message}}',
    claim: '{{message}}',
    looked_up: '{{message}}',
  },
  {
    full: '{{scope}} 的名额已用完。',
    rate: '{{scope}} 的启动速率已用完。',
    paused: '{{message}}',
    draining: '{{message}}',
    ceiling: '{{scope}} 已达到学到的上限。',
    down: '{{scope}} 的上游暂时不可用。',
    workers_full: '服务 {{scope}} 的 worker 都已满。',
    no_worker: '没有 worker 服务 {{scope}}。',
    undefined: '{{scope}} 已不再定义。',
    later: '还没有到开始时间。',
    turn: '有空位：下一轮就轮到它。',
    claim: '正在送往 worker。',
    looked_up: '下一个空闲的 worker 先查明它之前的运行，再继续。',
  },
)

/** Why a task does not start, as a sentence. */
export function HoldSentence({ hold }: { hold: { kind: string; scope: string; message: string } }) {
  const say = useWords(holdWords)
  const { kind, ...told } = hold
  const known = kind in holdWords.en
  return <SafeText text={known ? say(kind as keyof typeof holdWords.en, told) : hold.message} />
}
