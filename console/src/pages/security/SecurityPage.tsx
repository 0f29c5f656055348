import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useCluster } from '../../app/cluster.ts'
import { buttonClass, CreateButton } from '../../ui/Button.tsx'
import { Page } from '../../ui/Page.tsx'
import { Notice } from '../../ui/States.tsx'
import { Tabs, tabClass } from '../../ui/Tabs.tsx'
import { AclCreateDialog } from './AclCreateDialog.tsx'
import { AclList } from './AclList.tsx'
import { UserCreateDialog } from './UserCreateDialog.tsx'
import { UserList } from './UserList.tsx'

const route = getRouteApi('/security')

const tabs = [
  { tab: 'users', label: 'Users', create: 'Create user' },
  { tab: 'acls', label: 'Access control', create: 'Create ACL' },
] as const

/** The users of the Kafka port, and what each may do there. */
export default function SecurityPage() {
  const { tab: shown = 'users', create } = route.useSearch()
  const navigate = route.useNavigate()
  const setCreate = (open: boolean) =>
    void navigate({ search: before => ({ ...before, create: open ? true : undefined }), replace: !open })
  const close = () => setCreate(false)
  return (
    <Page
      name="Security"
      description="Who may connect to the Kafka port, and what each may do there."
      actions={
        <CreateButton onClick={() => setCreate(true)}>{tabs.find(one => one.tab === shown)?.create}</CreateButton>
      }
    >
      <AclsOffNotice />
      <Tabs label="Views of the security">
        {tabs.map(one => (
          <Link
            key={one.tab}
            to="/security"
            search={one.tab === 'users' ? {} : { tab: one.tab }}
            aria-current={shown === one.tab ? 'page' : undefined}
            className={tabClass(shown === one.tab)}
          >
            {one.label}
          </Link>
        ))}
      </Tabs>
      {shown === 'users' ? <UserList /> : <AclList />}
      {create === true &&
        (shown === 'users' ? <UserCreateDialog onClose={close} /> : <AclCreateDialog onClose={close} />)}
    </Page>
  )
}

/** Warns that the listed ACLs have no effect, which would otherwise go unnoticed. */
function AclsOffNotice() {
  const { queries } = useCluster()
  const { data } = useQuery(queries.settings)
  if (data === undefined || data.are_acls_enabled) return null
  return (
    <Notice
      tone="accent"
      action={
        <Link to="/settings" className={buttonClass('secondary', 'small')}>
          Settings
        </Link>
      }
    >
      {data.acl_shadowing_enabled
        ? 'ACLs are shadowed: every client may do everything, and what they would deny is logged.'
        : 'ACLs are off: every client may do everything.'}
    </Notice>
  )
}
