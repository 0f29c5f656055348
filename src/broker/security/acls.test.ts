import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AccessQuestion, type Acl, AclSet } from './acls.ts'

const acl = (changes: Partial<Acl>): Acl => ({
  resourceType: 'topic',
  resourceName: 'orders',
  patternType: 'literal',
  principal: 'User:alice',
  host: '*',
  operation: 'read',
  permission: 'allow',
  ...changes,
})
const access = (changes: Partial<AccessQuestion> = {}): AccessQuestion => ({
  principals: ['User:alice', 'User:ccn_alice'],
  host: '10.0.0.1',
  operation: 'read',
  resourceType: 'topic',
  resourceName: 'orders',
  ...changes,
})
const allows = (acls: readonly Partial<Acl>[], changes?: Partial<AccessQuestion>) =>
  new AclSet(acls.map(acl)).allows(access(changes))

describe('an access', () => {
  it('is denied where no ACL allows it', () => {
    assert.equal(allows([]), false)
    assert.equal(allows([{}]), true)
    assert.equal(allows([{}], { operation: 'write' }), false)
    assert.equal(allows([{}], { resourceName: 'orders2' }), false)
    assert.equal(allows([{}], { resourceType: 'group' }), false)
    assert.equal(allows([{}], { principals: ['User:bob'] }), false)
  })

  it('is denied by a matching DENY, whatever allows it', () => {
    assert.equal(allows([{}, { permission: 'deny' }]), false)
    assert.equal(allows([{}, { permission: 'deny', resourceName: 'ord', patternType: 'prefixed' }]), false)
    assert.equal(allows([{}, { permission: 'deny', operation: 'all', resourceName: '*' }]), false)
    assert.equal(allows([{}, { permission: 'deny', operation: 'write' }]), true)
    assert.equal(allows([{}, { permission: 'deny', host: '10.0.0.2' }]), true)
  })

  it('is allowed by prefixes, wildcards, User:*, all operations, and its own host', () => {
    assert.equal(allows([{ resourceName: 'ord', patternType: 'prefixed' }]), true)
    assert.equal(allows([{ resourceName: '*' }]), true)
    assert.equal(allows([{ resourceName: '*', patternType: 'prefixed' }]), false)
    assert.equal(allows([{ principal: 'User:*' }]), true)
    assert.equal(allows([{ principal: 'User:ccn_alice' }]), true)
    assert.equal(allows([{ operation: 'all' }], { operation: 'write' }), true)
    assert.equal(allows([{ host: '10.0.0.1' }]), true)
    assert.equal(allows([{ host: '10.0.0.2' }]), false)
  })

  it('to describe is implied by READ, WRITE, DELETE and ALTER, but DENY implies nothing', () => {
    for (const operation of ['read', 'write', 'delete', 'alter'] as const) {
      assert.equal(allows([{ operation }], { operation: 'describe' }), true)
    }
    assert.equal(allows([{ operation: 'alter_configs' }], { operation: 'describe_configs' }), true)
    assert.equal(
      allows([{ operation: 'describe' }, { operation: 'read', permission: 'deny' }], { operation: 'describe' }),
      true,
    )
  })
})

describe('an access to any resource of a type', () => {
  const { resourceName: _, ...anyTopic } = access({ operation: 'write' })
  const allowsAny = (acls: readonly Partial<Acl>[]) =>
    new AclSet(acls.map(each => acl({ operation: 'write', ...each }))).allowsAny(anyTopic)

  it('needs one ALLOW that no wider DENY covers', () => {
    assert.equal(allowsAny([]), false)
    assert.equal(allowsAny([{}]), true)
    assert.equal(allowsAny([{}, { permission: 'deny', resourceName: 'other' }]), true)
    assert.equal(allowsAny([{}, { permission: 'deny' }]), false)
    assert.equal(allowsAny([{}, { permission: 'deny', resourceName: 'or', patternType: 'prefixed' }]), false)
    assert.equal(
      allowsAny([{ resourceName: '*' }, { permission: 'deny', resourceName: 'or', patternType: 'prefixed' }]),
      true,
    )
    assert.equal(allowsAny([{ resourceName: '*' }, { permission: 'deny', resourceName: '*' }]), false)
  })
})

describe('a filter', () => {
  const acls = new AclSet([
    acl({}),
    acl({ resourceName: 'ord', patternType: 'prefixed' }),
    acl({ resourceName: '*' }),
    acl({ resourceName: 'else', principal: 'User:bob' }),
    // As a prefix, * is a letter like any other, with which no topic's name can begin.
    acl({ resourceName: '*', patternType: 'prefixed' }),
  ])

  it('finds equal ACLs; MATCH finds all that cover a name', () => {
    assert.equal(acls.find({}).length, 5)
    assert.equal(acls.find({ principal: 'User:bob' }).length, 1)
    assert.deepEqual(acls.find({ resourceName: 'orders', patternType: 'literal' }), [acl({})])
    assert.deepEqual(
      acls.find({ resourceName: 'orders', patternType: 'match' }).map(({ resourceName }) => resourceName),
      ['orders', 'ord', '*'],
    )
    assert.equal(acls.find({ patternType: 'prefixed' }).length, 2)
  })
})
