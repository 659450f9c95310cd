import i18next from 'i18next'
import { expect, test } from 'vitest'
import '@/words/language'
import { cronInWords } from './cronWords'
import { scheduleWords } from './words'

const say = (language: string) => i18next.getFixedT(language, scheduleWords.name) as Parameters<typeof cronInWords>[1]

test.each([
  ['* * * * *', 'every minute', '每分钟'],
  ['*/5 * * * *', 'every 5 minutes', '每 5 分钟'],
  ['@hourly', 'every hour at minute 0', '每小时的第 0 分'],
  ['15 */6 * * *', 'every 6 hours at minute 15', '每 6 小时的第 15 分'],
  ['30 2 * * *', 'at 02:30, every day', '每天，02:30'],
  ['0 8,20 * * mon-fri', 'at 08:00 and 20:00, on Monday–Friday', '星期一–星期五，08:00和20:00'],
  ['0 0 * * 0', 'at 00:00, on Sunday', '星期日，00:00'],
  ['0 0 * * 7', 'at 00:00, on Sunday', '星期日，00:00'],
  ['0 9 1,15 * *', 'at 09:00, on day 1 and 15 of the month', '每月 1和15 日，09:00'],
  ['0 9 L * *', 'at 09:00, on the last day of the month', '每月最后一天，09:00'],
  ['0 9 * * 5L', 'at 09:00, on the last Friday of the month', '每月最后一个星期五，09:00'],
  [
    '0 9 * 1,2,3 1#2',
    'at 09:00, on the second Monday of the month, in January–March',
    '一月–三月，每月第二个星期一，09:00',
  ],
  ['0 9 13 * 5', 'at 09:00, on day 13 of the month, or on Friday', '每月 13 日或星期五，09:00'],
  ['*/15 9-17 * * *', 'every 15 minutes, in the hours 9–17', '9–17 点内每 15 分钟'],
])('%s', (cron, english, chinese) => {
  expect(cronInWords(cron, say('en'), 'en')).toBe(english)
  expect(cronInWords(cron, say('zh'), 'zh')).toBe(chinese)
})

test.each(['', '* * *', '61 * * * *', 'a b c d e', '0 0 * * MONDAY', '5-1 * * * *', '*/0 * * * *'])(
  'nothing is said of %j',
  (cron) => expect(cronInWords(cron, say('en'), 'en')).toBeNull(),
)
