import { defineWords } from '@/words/words'

export const rightWords = defineWords(
  'rights',
  {
    tasksRead: 'see tasks, logs, statistics; not their payloads',
    tasksWrite: 'submit, cancel, retry tasks',
    payloadsRead: 'see inputs and outputs, too',
    eventsRead: 'see events and what was decided about them',
    eventsWrite: 'raise events',
    definitionsRead: 'see task types, connections, limits, rules, workers',
    definitionsWrite: 'change them',
    adminRight: 'everything, API keys included',
  },
  {
    tasksRead: '查看任务、日志、统计，不含载荷',
    tasksWrite: '提交、取消、重试任务',
    payloadsRead: '还可查看输入和输出',
    eventsRead: '查看事件及其判定',
    eventsWrite: '发出事件',
    definitionsRead: '查看任务类型、连接、限额、规则、worker',
    definitionsWrite: '修改上述内容',
    adminRight: '一切，包括 API 密钥',
  },
)
