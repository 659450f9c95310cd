import type { Schemas } from '@/api/client'
import { CopyButton } from '@/parts/CopyButton'
import { DataTable } from '@/parts/DataTable'
import { FilterBar, TextFilter } from '@/parts/filters'
import { Nothing, Section } from '@/parts/PageFrame'
import { SafeText } from '@/parts/SafeText'
import { useUrlState } from '@/parts/urlState'
import { useWords } from '@/words/words'
import { settingWords } from './words'

type Settings = Schemas['SystemDocument']['settings']

/** What the service that answers was set to. */
export function Values({ values }: { values: Settings }) {
  const say = useWords(settingWords)
  const text = (useUrlState().one('q') ?? '').toLowerCase()
  const rows = Object.entries(values).filter(([name]) => name.toLowerCase().includes(text))
  return (
    <Section title={say('values')}>
      <p className="quiet setting-lead">{say('valuesLead')}</p>
      <FilterBar label={say('find')} names={['q']}>
        <TextFilter name="q" label={say('find')} />
      </FilterBar>
      {rows.length === 0 ? (
        <Nothing>{say('nothingFound')}</Nothing>
      ) : (
        <DataTable
          rows={rows}
          idOf={([name]) => name}
          least={520}
          columns={[
            {
              key: 'setting',
              title: say('setting'),
              show: ([name]) => (
                <>
                  <code>{name}</code>
                  <CopyButton text={name} />
                </>
              ),
            },
            { key: 'value', title: say('value'), show: ([, value]) => <Value value={value} /> },
          ]}
        />
      )}
    </Section>
  )
}

function Value({ value }: { value: Settings[string] }) {
  const say = useWords(settingWords)
  if (value === null || value === '') return <span className="quiet">{say('notSet')}</span>
  if (value === '***') return <span className="quiet">{say('secret')}</span>
  return (
    <code>
      <SafeText text={String(value)} />
    </code>
  )
}
