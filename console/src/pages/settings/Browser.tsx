import { Segmented, Switch } from 'antd'
import { setPreferences, usePreferences, type Theme } from '@/app/preferences'
import { Section } from '@/parts/PageFrame'
import { useWords } from '@/words/words'
import { Fact } from './Fact'
import { settingWords } from './words'

const THEMES: readonly Theme[] = ['light', 'dark', 'system']

/** What this person likes; kept in this browser alone. */
export function Browser() {
  const say = useWords(settingWords)
  const { language, theme, narrow } = usePreferences()
  return (
    <Section title={say('browser')}>
      <dl className="setting-facts">
        <Fact name={say('language')}>
          <Segmented
            aria-label={say('language')}
            value={language}
            options={[
              { value: 'en' as const, label: say('english') },
              { value: 'zh' as const, label: say('chinese') },
            ]}
            onChange={(value) => setPreferences({ language: value })}
          />
        </Fact>
        <Fact name={say('theme')}>
          <Segmented
            aria-label={say('theme')}
            value={theme}
            options={THEMES.map((value) => ({ value, label: say(value) }))}
            onChange={(value) => setPreferences({ theme: value })}
          />
        </Fact>
        <Fact name={say('narrow')}>
          <Switch
            aria-label={say('narrow')}
            checked={narrow}
            onChange={(checked) => setPreferences({ narrow: checked })}
          />
        </Fact>
      </dl>
    </Section>
  )
}
