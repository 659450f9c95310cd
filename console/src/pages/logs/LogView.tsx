import { Button, Empty, Flex, Spin } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'react-router'
import { answer, api } from '@/api/client'
import { useMoved } from '@/parts/live'
import { LogLines, type Level } from '@/parts/LogList'
import { Moment } from '@/parts/Moment'
import { useNumbers } from '@/parts/numbers'
import { ProblemView } from '@/parts/ProblemView'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { filterOf } from './query'
import { LogReader, MOST, NOTHING, type Line, type Page } from './reader'
import { logWords } from './words'

const PAGE = 1000
const LOOK = 2000
/** Milliseconds between looks for new lines: not every line comes with a move of its task. */

interface Props {
  level: Level
  follow: boolean
  filtered: boolean
  onLeave: () => void
}

/** The lines that the URL asks for; a new one is made whenever the URL changes. */
export function LogView({ level, follow, filtered, onLeave }: Props) {
  const say = useWords(logWords)
  const numbers = useNumbers()
  const { reader, reading } = useReader(level)
  const [missed, setMissed] = useState(false)
  useMoved(() => {
    setMissed(!follow)
    if (follow) void reader.current?.newer()
  })
  useEffect(() => {
    const timer = follow ? setInterval(() => void reader.current?.newer(), LOOK) : undefined
    return () => clearInterval(timer)
  }, [follow, reader])
  const { lines, older, newer, busy, error, reached } = reading
  const full = lines.length >= MOST
  const readNewer = () => {
    setMissed(false)
    void reader.current?.newer()
  }
  const goBack = () => void (older !== 'end' && !full && reader.current?.older())
  return (
    <div className="log">
      {error != null && <ProblemView error={error} retry={() => void reader.current?.start()} />}
      {lines.length === 0 && older === 'end' && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={say(filtered ? 'nothingMatches' : 'nothing')} />
      )}
      {lines.length === 0 && older === 'more' && !busy && (
        <Flex vertical align="center" gap={8} className="logs-further">
          <span>
            {say('lookedBack')} <Moment at={reached} />
          </span>
          <Button onClick={goBack}>{say('lookFurther')}</Button>
        </Flex>
      )}
      {lines.length > 0 && (
        <>
          <Flex gap={12} align="center" className="quiet small" wrap>
            <span className="number">{say('shown', { count: lines.length, n: numbers.whole(lines.length) })}</span>
            {older === 'end' && <span>{say('beginning')}</span>}
            {full && <span>{say('most', { n: numbers.whole(MOST) })}</span>}
            {older !== 'end' && !full && (
              <Button size="small" type="link" loading={busy && !follow} onClick={goBack}>
                {say('older')}
              </Button>
            )}
          </Flex>
          <LogLines lines={lines} follow={follow} onLeave={onLeave} onTop={goBack} lead={taskOf} />
          {(newer === 'more' || (missed && !follow)) && (
            <Flex justify="center">
              <Button size="small" loading={busy} onClick={readNewer}>
                {say('newer')}
              </Button>
            </Flex>
          )}
        </>
      )}
      {lines.length === 0 && busy && <Spin className="logs-further" />}
    </div>
  )
}

const taskOf = (line: Line) => <Of line={line} />

/** Which task a line is of. */
function Of({ line }: { line: Line }) {
  const say = useWords(logWords)
  return (
    <Link to={`/tasks/${line.task_id}`} className="log-of" title={`${line.type} ${line.task_id}`}>
      <span>{line.type || say('deleted')}</span> <code>{line.task_id.slice(-6)}</code>
    </Link>
  )
}

function useReader(level: Level) {
  const url = useUrlState()
  const reader = useRef<LogReader | null>(null)
  const [reading, setReading] = useState(NOTHING)
  useEffect(() => {
    const { from, to, ...filter } = filterOf(url, level)
    const made = new LogReader(
      async (query, signal) => {
        const params = { query: { ...filter, ...query, limit: PAGE } }
        return (await answer(api.GET('/api/v1/logs', { params, signal }))) as Page // a download is asked for apart
      },
      { from, to, at: url.one('at') },
      setReading,
    )
    reader.current = made
    void made.start()
    return () => made.stop()
  }, [url, level])
  return { reader, reading }
}
