import { LeftOutlined, RightOutlined, VerticalRightOutlined } from '@ant-design/icons'
import { Button, Flex } from 'antd'
import { useLocation, useNavigate } from 'react-router'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { taskListWords } from './words'

/** Newest, newer, older: the pages of a keyset have no numbers. `coming`: what is shown is still the page before. */
export function Pager({ next, coming }: { next: string | null; coming: boolean }) {
  const say = useWords(taskListWords)
  const url = useUrlState()
  const navigate = useNavigate()
  const { state, search } = useLocation() as { state: { depth?: number } | null; search: string }
  const depth = state?.depth ?? 0
  const first = url.one('cursor') === undefined
  if (first && next === null) return null
  const older = () => {
    const params = new URLSearchParams(search)
    params.set('cursor', next ?? '')
    void navigate({ search: params.toString() }, { state: { depth: depth + 1 } })
    window.scrollTo({ top: 0 })
  }
  return (
    <Flex gap={8} justify="center" align="center" wrap>
      {!first && (
        <Button icon={<VerticalRightOutlined />} onClick={() => url.set({ cursor: null })}>
          {say('newest')}
        </Button>
      )}
      {depth > 0 && (
        <Button icon={<LeftOutlined />} onClick={() => void navigate(-1)}>
          {say('newer')}
        </Button>
      )}
      {next === null ? (
        <span className="quiet">{say('end')}</span>
      ) : (
        <Button icon={<RightOutlined />} iconPlacement="end" disabled={coming} onClick={older}>
          {say('older')}
        </Button>
      )}
    </Flex>
  )
}
