import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

export type Language = 'en' | 'zh'

/** Texts come with dictionaries (words.ts). */
void i18next.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: {},
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
})

/** What the browser asks for, if nothing was chosen. */
export function preferredLanguage(): Language {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export function speak(language: Language): void {
  void i18next.changeLanguage(language)
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}
