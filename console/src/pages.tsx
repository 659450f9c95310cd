import {
  ApiOutlined,
  ScheduleOutlined,
  SoundOutlined,
  AuditOutlined,
  CloudServerOutlined,
  ClusterOutlined,
  ControlOutlined,
  DashboardOutlined,
  KeyOutlined,
  FileTextOutlined,
  NodeIndexOutlined,
  NotificationOutlined,
  ProfileOutlined,
  SettingOutlined,
  UnorderedListOutlined,
} from '@ant-design/icons'
import { lazy, type ComponentType, type LazyExoticComponent, type ReactNode } from 'react'
import type { Scope } from '@/api/sessions'
import { defineWords } from '@/words/words'

/** What the pages are called. */
export const pageWords = defineWords(
  'pages',
  {
    overview: 'Overview',
    tasks: 'Tasks',
    logs: 'Logs',
    limits: 'Limits',
    workers: 'Workers',
    taskTypes: 'Task types',
    events: 'Events',
    rules: 'Rules',
    webhooks: 'Webhooks',
    schedules: 'Schedules',
    callbacks: 'Callbacks',
    connections: 'Connections',
    keys: 'API keys',
    audit: 'Audit',
    settings: 'Settings',
  },
  {
    overview: '总览',
    tasks: '任务',
    logs: '日志',
    limits: '限额',
    workers: 'Worker',
    taskTypes: '任务类型',
    events: '事件',
    rules: '规则',
    webhooks: 'Webhook',
    schedules: '定时计划',
    callbacks: '回调',
    connections: '连接',
    keys: 'API 密钥',
    audit: '审计',
    settings: '设置',
  },
)

export type PageName = keyof (typeof pageWords)['en']
export type Group = 'groupWatch' | 'groupControl' | 'groupConnect' | 'groupManage'

export interface Page {
  /** A key of `pageWords`, too. */
  readonly name: PageName
  readonly path: string
  readonly icon: ReactNode
  readonly group: Group
  /** Without it the page is not in the menu. */
  readonly scope: Scope
  /** After `g`, this key leads to it. */
  readonly key: string
  readonly show: LazyExoticComponent<ComponentType>
}

/** Every page of the menu, in its order; each is loaded when it is first opened. */
export const PAGES: readonly Page[] = [
  {
    name: 'overview',
    path: '/',
    icon: <DashboardOutlined />,
    group: 'groupWatch',
    scope: 'tasks:read',
    key: 'o',
    show: lazy(() => import('@/pages/overview')),
  },
  {
    name: 'tasks',
    path: '/tasks',
    icon: <UnorderedListOutlined />,
    group: 'groupWatch',
    scope: 'tasks:read',
    key: 't',
    show: lazy(() => import('@/pages/tasks')),
  },
  {
    name: 'logs',
    path: '/logs',
    icon: <FileTextOutlined />,
    group: 'groupWatch',
    scope: 'tasks:read',
    key: 'd',
    show: lazy(() => import('@/pages/logs')),
  },
  {
    name: 'limits',
    path: '/limits',
    icon: <ControlOutlined />,
    group: 'groupControl',
    scope: 'definitions:read',
    key: 'l',
    show: lazy(() => import('@/pages/limits')),
  },
  {
    name: 'workers',
    path: '/workers',
    icon: <ClusterOutlined />,
    group: 'groupControl',
    scope: 'definitions:read',
    key: 'w',
    show: lazy(() => import('@/pages/workers')),
  },
  {
    name: 'taskTypes',
    path: '/task-types',
    icon: <ProfileOutlined />,
    group: 'groupControl',
    scope: 'definitions:read',
    key: 'y',
    show: lazy(() => import('@/pages/task-types')),
  },
  {
    name: 'events',
    path: '/events',
    icon: <NotificationOutlined />,
    group: 'groupConnect',
    scope: 'events:read',
    key: 'e',
    show: lazy(() => import('@/pages/events')),
  },
  {
    name: 'rules',
    path: '/rules',
    icon: <NodeIndexOutlined />,
    group: 'groupConnect',
    scope: 'definitions:read',
    key: 'r',
    show: lazy(() => import('@/pages/rules')),
  },
  {
    name: 'webhooks',
    path: '/webhooks',
    icon: <ApiOutlined />,
    group: 'groupConnect',
    scope: 'definitions:read',
    key: 'h',
    show: lazy(() => import('@/pages/webhooks')),
  },
  {
    name: 'schedules',
    path: '/schedules',
    icon: <ScheduleOutlined />,
    group: 'groupConnect',
    scope: 'definitions:read',
    key: 's',
    show: lazy(() => import('@/pages/schedules')),
  },
  {
    name: 'callbacks',
    path: '/callbacks',
    icon: <SoundOutlined />,
    group: 'groupConnect',
    scope: 'tasks:read',
    key: 'b',
    show: lazy(() => import('@/pages/callbacks')),
  },
  {
    name: 'connections',
    path: '/connections',
    icon: <CloudServerOutlined />,
    group: 'groupConnect',
    scope: 'definitions:read',
    key: 'n',
    show: lazy(() => import('@/pages/connections')),
  },
  {
    name: 'keys',
    path: '/keys',
    icon: <KeyOutlined />,
    group: 'groupManage',
    scope: 'admin',
    key: 'k',
    show: lazy(() => import('@/pages/keys')),
  },
  {
    name: 'audit',
    path: '/audit',
    icon: <AuditOutlined />,
    group: 'groupManage',
    scope: 'admin',
    key: 'a',
    show: lazy(() => import('@/pages/audit')),
  },
  {
    name: 'settings',
    path: '/settings',
    icon: <SettingOutlined />,
    group: 'groupManage',
    scope: 'tasks:read',
    key: ',',
    show: lazy(() => import('@/pages/settings')),
  },
]

/** Pages below others, which have no place of their own in the menu. */
export const INNER: readonly { path: string; show: LazyExoticComponent<ComponentType> }[] = [
  { path: '/tasks/:taskId', show: lazy(() => import('@/pages/task')) },
  { path: '/task-types/:name', show: lazy(() => import('@/pages/task-type')) },
  { path: '/events/:eventId', show: lazy(() => import('@/pages/events/EventPage')) },
  { path: '/rules/+new', show: lazy(() => import('@/pages/rules/RulePage')) },
  { path: '/rules/:name', show: lazy(() => import('@/pages/rules/RulePage')) },
]
