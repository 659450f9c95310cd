import { Button, Flex } from 'antd'
import { useWords } from '@/words/words'
import { useNumbers } from './numbers'
import { partWords } from './words'

const MOST = 500
/** Rows of a list; more would make the page slow, and nobody reads so many. */

interface Props {
  /** What `useInfiniteQuery` returned. */
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }
  shown: number
}

/** The end of a list that is read a page at a time. */
export function LoadMore({ query, shown }: Props) {
  const say = useWords(partWords)
  const numbers = useNumbers()
  if (!query.hasNextPage) return shown > 50 ? <p className="quiet list-end">{say('shownAll')}</p> : null
  if (shown >= MOST) return <p className="quiet list-end">{say('shownMost', { n: numbers.whole(shown) })}</p>
  return (
    <Flex justify="center">
      <Button loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
        {say('showMore')}
      </Button>
    </Flex>
  )
}
