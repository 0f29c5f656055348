import Type from 'typebox'
import { endpoint, flag, list, named, object, oneOf, optional, type Shape, text, timestamp } from './endpoint.ts'
import { ClusterRequest, Empty } from './shared.ts'

/** A user of the Kafka port. */
export const Credentials = named('Credentials', {
  id: text(),
  name: text('`ccn_…`'),
  username: text('The username with which clients authenticate: `ccun_` and 64 hexadecimal digits.'),
  password: text('Empty in lists: only what is needed to verify a password is stored.'),
  created_at: timestamp(),
  is_cluster_superuser: flag('Bypasses ACLs.'),
  read_only: flag(),
})
export type Credentials = Shape<typeof Credentials>

export const Acl = named('Acl', {
  resource_type: oneOf(['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN', 'USER']),
  resource_name: text('A name, a prefix of names with PREFIXED, or `*`.'),
  pattern_type: oneOf(['LITERAL', 'PREFIXED']),
  principal: text('`User:` and a username, or the name of a credential with or without `ccn_`; `User:*` for everyone.'),
  host: text('An IP address, or `*`.'),
  operation: oneOf([
    'ALL',
    'READ',
    'WRITE',
    'CREATE',
    'DELETE',
    'ALTER',
    'DESCRIBE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ]),
  permission_type: oneOf(['ALLOW', 'DENY']),
})
export type Acl = Shape<typeof Acl>

export const securityEndpoints = {
  create_virtual_cluster_credentials: endpoint({
    summary: 'Creates a user of the Kafka port; only this response contains the password.',
    access: 'cluster_write',
    request: object({
      ...ClusterRequest.properties,
      credentials_name: text('Without `ccn_`: 1 to 128 letters, digits, underscores and dashes.'),
      is_cluster_superuser: optional(flag()),
      read_only: optional(flag('For schema registries; accepted and returned.')),
      imported_password: optional(text('The password to use instead of a generated one.')),
    }),
    response: object({ id: text(), username: text(), password: text() }),
  }),
  list_virtual_cluster_credentials: endpoint({
    summary: 'Lists the users of the Kafka port without their passwords.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ credentials: list(Credentials) }),
  }),
  delete_virtual_cluster_credentials: endpoint({
    summary: 'Deletes a user of the Kafka port.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, id: text() }),
    response: Empty,
  }),
  'virtual_clusters/acls/list': endpoint({
    summary: 'Lists the ACLs of a cluster.',
    access: 'cluster_read',
    request: ClusterRequest,
    response: Type.Object({ acls: list(Acl) }),
  }),
  'virtual_clusters/acls/create': endpoint({
    summary: 'Adds an ACL; an existing one is kept.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, acl: Acl }),
    response: Type.Object({ acl: Acl }),
  }),
  'virtual_clusters/acls/delete': endpoint({
    summary: 'Removes ACLs and returns those that existed.',
    access: 'cluster_write',
    request: object({ ...ClusterRequest.properties, acls: list(Acl) }),
    response: Type.Object({ acls: list(Acl) }),
  }),
}
