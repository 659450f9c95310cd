import { PauseOutlined, CaretRightOutlined } from '@ant-design/icons'
import { useQueryClient } from '@tanstack/react-query'
import { Button, Tooltip } from 'antd'
import {
  createContext,
  use,
  useEffect,
  useEffectEvent,
  useMemo,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import { useTranslation } from 'react-i18next'
import { useWords } from '@/words/words'
import { Channel, type Moved } from './channel'
import { exactTime } from './Moment'
import { useShortcuts } from './shortcuts'
import { partWords } from './words'

const Context = createContext<Channel | null>(null)

/** One connection for the whole page; gone while the page is hidden for long or nobody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const channel = useMemo(
    () => new Channel('/api/v1/live?topics=tasks,stats', (stats) => queries.setQueryData(['stats'], stats)),
    [queries],
  )
  useEffect(() => {
    channel.open()
    return () => channel.close()
  }, [channel])
  return <Context value={channel}>{children}</Context>
}

function useChannel(): Channel {
  const channel = use(Context)
  if (channel === null) throw new Error('there is no LiveProvider')
  return channel
}

/** Calls back when tasks moved: at most once a second, and after each reconnect, when anything may have moved. */
export function useMoved(tell: (moved: Moved) => void): void {
  const channel = useChannel()
  const latest = useEffectEvent(tell)
  useEffect(() => channel.listen((moved) => latest(moved)), [channel])
}

export interface Live {
  readonly paused: boolean
  /** Moves since it was paused. */
  readonly missed: number
  readonly toggle: () => void
}

/** Calls back when tasks moved, unless paused; what came meanwhile is made up for when it goes on. */
export function useLive(tell: (moved: Moved) => void): Live {
  const [paused, setPaused] = useState(false)
  const [missed, setMissed] = useState(0)
  useMoved((moved) => {
    if (paused) setMissed((before) => before + moved.ids.length)
    else tell(moved)
  })
  const toggle = () => {
    if (paused) tell({ ids: [], more: true })
    setMissed(0)
    setPaused(!paused)
  }
  return { paused, missed, toggle }
}

/** Pause and resume, by the key `p`, too. */
export function LiveButton({ live }: { live: Live }) {
  const say = useWords(partWords)
  const label = live.paused ? say('resume') : say('pause')
  useShortcuts([{ keys: 'p', label: say('pauseKey'), run: live.toggle }])
  return (
    <Button
      icon={live.paused ? <CaretRightOutlined /> : <PauseOutlined />}
      onClick={live.toggle}
      aria-pressed={live.paused}
    >
      {label}
      {live.missed > 0 && <span className="quiet number">{say('pausedNews', { count: live.missed })}</span>}
    </Button>
  )
}

/** A dot that says whether the page is live, in words on hover and for readers. */
export function LiveDot() {
  const say = useWords(partWords)
  const { i18n } = useTranslation()
  const channel = useChannel()
  const { live, heard } = useSyncExternalStore(channel.subscribe, () => channel.state)
  const since = heard
    ? say('staleSince', { time: exactTime(new Date(heard).toISOString(), i18n.language) })
    : say('stale')
  return (
    <Tooltip title={live ? say('live') : since}>
      <span className={`live ${live ? 'live-on' : 'live-off'}`} role="status">
        <span className="dot" aria-hidden />
        <span className="live-word">{live ? say('live') : say('stale')}</span>
      </span>
    </Tooltip>
  )
}
