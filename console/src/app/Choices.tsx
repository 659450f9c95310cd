import { BulbOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { useWords } from '@/words/words'
import { setPreferences, useDark, usePreferences, type Theme } from './preferences'
import { appWords } from './words'

export function LanguageButton() {
  const say = useWords(appWords)
  const { language } = usePreferences()
  return (
    <Button
      type="text"
      lang={language === 'zh' ? 'en' : 'zh-CN'}
      title={say('languageLabel')}
      onClick={() => setPreferences({ language: language === 'zh' ? 'en' : 'zh' })}
    >
      {say('language')}
    </Button>
  )
}

export function ThemeButton() {
  const say = useWords(appWords)
  const { theme } = usePreferences()
  const dark = useDark()
  const items = [
    { key: 'light', label: say('light'), icon: <SunOutlined /> },
    { key: 'dark', label: say('dark'), icon: <MoonOutlined /> },
    { key: 'system', label: say('system'), icon: <BulbOutlined /> },
  ]
  const onClick = ({ key }: { key: string }) => setPreferences({ theme: key as Theme })
  return (
    <Dropdown trigger={['click']} menu={{ items, selectable: true, selectedKeys: [theme], onClick }}>
      <Button
        type="text"
        icon={dark ? <MoonOutlined /> : <SunOutlined />}
        aria-label={say('theme')}
        title={say('theme')}
      />
    </Dropdown>
  )
}
