import { Link } from 'react-router'
import { Message } from '@/parts/PageFrame'
import { useWords } from '@/words/words'
import { appWords } from './words'

export function NotFound() {
  const say = useWords(appWords)
  return (
    <Message title={say('notFound')} advice={say('notFoundAdvice')}>
      <Link to="/">{say('home')}</Link>
    </Message>
  )
}
