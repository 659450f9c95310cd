import { FilterBar, LabelFilter, TextFilter, TimeFilter, TypeFilter } from '@/parts/filters'
import { useWords } from '@/words/words'
import { ENDED, FILTERS } from './filter'
import { taskListWords } from './words'

/** Every filter but the status. */
export function TaskFilters() {
  const say = useWords(taskListWords)
  return (
    <FilterBar label={say('more')} names={FILTERS}>
      <TextFilter name="q" label={say('text')} hint={say('textHint')} />
      <TypeFilter />
      <TextFilter name="key" label={say('key')} suggests="concurrency_key" />
      <LabelFilter />
      <TimeFilter of={say('created')} />
      <TimeFilter of={say('ended')} prefix={ENDED} />
    </FilterBar>
  )
}
