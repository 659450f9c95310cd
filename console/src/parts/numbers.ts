import { useTranslation } from 'react-i18next'

/** Numbers as this language writes them: whole (1,234,567) and short (1.2M, 123 万). */
export function useNumbers() {
  const { i18n } = useTranslation()
  const whole = new Intl.NumberFormat(i18n.language)
  const short = new Intl.NumberFormat(i18n.language, { notation: 'compact', maximumFractionDigits: 1 })
  const bytes = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 1 })
  return {
    whole: (n: number) => whole.format(n),
    short: (n: number) => (Math.abs(n) < 10_000 ? whole.format(n) : short.format(n)),
    bytes: (n: number) => sized(n, (value) => bytes.format(value)),
  }
}

function sized(n: number, format: (n: number) => string): string {
  const units = ['B', 'kB', 'MB', 'GB']
  const step = Math.min(Math.max(Math.floor(Math.log10(Math.max(n, 1)) / 3), 0), units.length - 1)
  return `${format(n / 1000 ** step)} ${units[step]}`
}
