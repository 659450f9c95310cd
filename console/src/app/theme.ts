import { theme, type ThemeConfig } from 'antd'

const FONT =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", ' +
  '"Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif'
const CODE =
  '"SF Mono", SFMono-Regular, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace'

const shared = {
  fontFamily: FONT,
  fontFamilyCode: CODE,
  borderRadius: 8,
  fontSize: 14,
  wireframe: false,
  motionDurationMid: '0.12s',
  motionDurationSlow: '0.18s',
}

const light = {
  ...shared,
  colorPrimary: '#2f54eb',
  colorLink: '#2444c7',
  colorBgLayout: '#f6f7f9',
  colorText: '#1c2330',
  colorTextSecondary: '#525c6c',
  colorTextTertiary: '#616b7a',
  colorTextDescription: '#616b7a',
  colorTextPlaceholder: '#6b7585',
  colorBorder: '#d5d9e0',
  colorBorderSecondary: '#e8ebf0',
  colorError: '#cf222e',
}

const dark = {
  ...shared,
  colorPrimary: '#5b7cfa',
  colorError: '#ff7b7f',
  colorLink: '#9db2ff',
  colorBgBase: '#12151b',
  colorBgLayout: '#0e1116',
  colorBgContainer: '#161a21',
  colorBgElevated: '#1d222b',
  colorText: '#e4e8ee',
  colorTextSecondary: '#aab3c0',
  colorTextTertiary: '#98a2b1',
  colorTextDescription: '#98a2b1',
  colorTextPlaceholder: '#8e98a8',
  colorBorder: '#333b48',
  colorBorderSecondary: '#262d38',
}

/** Ant Design's tokens; our own style sheet uses the CSS variables that are made of them. */
export function themeOf(isDark: boolean): ThemeConfig {
  return {
    cssVar: { key: 'tradefree', prefix: 'ant' },
    hashed: false,
    algorithm: isDark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    token: isDark ? dark : light,
    components: {
      Layout: {
        bodyBg: 'transparent',
        headerBg: 'transparent',
        siderBg: 'transparent',
        headerPadding: 0,
        headerHeight: 56,
      },
      Menu: {
        itemBg: 'transparent',
        subMenuItemBg: 'transparent',
        activeBarBorderWidth: 0,
        itemHeight: 36,
        itemMarginBlock: 2,
        groupTitleFontSize: 12,
        itemSelectedColor: isDark ? '#b9c7ff' : '#2444c7',
        itemSelectedBg: isDark ? '#232b45' : '#edf1ff',
      },
      Table: { headerBg: 'transparent', headerSplitColor: 'transparent', cellPaddingBlockMD: 9 },
      Button: {
        primaryShadow: 'none',
        dangerColor: isDark ? '#2a0d0f' : '#ffffff',
        defaultShadow: 'none',
        colorPrimary: isDark ? '#3f5fe0' : '#2f54eb',
        colorPrimaryHover: isDark ? '#4a69e6' : '#2444c7',
        defaultHoverColor: isDark ? '#9db2ff' : '#2444c7',
        defaultActiveColor: isDark ? '#9db2ff' : '#2444c7',
      },
      Tabs: { itemSelectedColor: isDark ? '#9db2ff' : '#2444c7' },
    },
  }
}
