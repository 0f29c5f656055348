import { type Random, uuid } from '../base/index.ts'
import type { CallResult } from './calls.ts'
import { MetadataError } from './errors.ts'
import type {
  AppendListener,
  AclChange,
  AclRules,
  Assignment,
  Catalog,
  CommittedOffset,
  Extent,
  ExtentQuery,
  Fence,
  LeaseHolder,
  Cleaning,
  MadeObject,
  MergeRule,
  Metadata,
  NewObject,
  NewCredential,
  NewTopic,
  PartitionId,
  RetentionRule,
  SettingChange,
  TimeQuery,
  TopicId,
} from './metadata.ts'
import type { TopicChange, TopicList } from './operations/topics.ts'
import type { SnapshotRow, SnapshotTable } from './operations/snapshot.ts'
import type { TransactionEvent } from './transaction.ts'
import type { Change, Transport } from './transport.ts'

const maxCommitRepetitions = 3

interface ClientOptions {
  readonly random: Random
}

/** The metadata of a cluster as one process sees it, over any transport. */
export class MetadataClient implements Metadata {
  readonly clusterId: string
  readonly #transport: Transport
  readonly #random: Random
  readonly #topicListeners = new Set<(catalog: Catalog) => void>()
  readonly #appendListeners = new Set<AppendListener>()
  #catalog: Catalog

  /** Loads what later calls return without waiting. The client owns the transport from then on. */
  static async open(transport: Transport, { random }: ClientOptions): Promise<Metadata> {
    try {
      // A UUID in base64url, as Kafka's own tools write cluster ids.
      const clusterId = await transport.call('clusterId', Buffer.from(random.bytes(16)).toString('base64url'))
      return new MetadataClient(transport, random, clusterId, await transport.call('topics'))
    } catch (error) {
      await transport.close()
      throw error
    }
  }

  private constructor(transport: Transport, random: Random, clusterId: string, topics: TopicList) {
    this.#transport = transport
    this.#random = random
    this.clusterId = clusterId
    this.#catalog = catalogOf(topics)
    transport.onChange(change => this.#onChange(change))
  }

  onLost(listener: (reason: MetadataError) => void): () => void {
    return this.#transport.onLost(listener)
  }

  time() {
    return this.#transport.call('time')
  }

  catalog(): Catalog {
    return this.#catalog
  }

  async refresh(): Promise<Catalog> {
    const version = await this.#transport.call('catalogVersion')
    if (version > this.#catalog.version) this.#learn(await this.#transport.call('topics'))
    return this.#catalog
  }

  onTopicsChanged(listener: (catalog: Catalog) => void): () => void {
    this.#topicListeners.add(listener)
    return () => this.#topicListeners.delete(listener)
  }

  async createTopics(topics: readonly NewTopic[]) {
    const withIds = topics.map(topic => ({ ...topic, id: uuid(this.#random) }))
    return this.#changed(await this.#transport.call('createTopics', withIds))
  }

  async deleteTopics(ids: readonly TopicId[], keepMs: number | null) {
    return this.#changed(await this.#transport.call('deleteTopics', ids, keepMs))
  }

  deletedTopics() {
    return this.#transport.call('deletedTopics')
  }

  async undeleteTopics(ids: readonly TopicId[]) {
    return this.#changed(await this.#transport.call('undeleteTopics', ids))
  }

  purgeDeletedTopic(id: TopicId) {
    return this.#transport.call('purgeDeletedTopic', id)
  }

  purgeDeletedTopics(isAll: boolean) {
    return this.#transport.call('purgeDeletedTopics', isAll)
  }

  async createPartitions(changes: readonly { topic: TopicId; partitions: number }[]) {
    return this.#changed(await this.#transport.call('createPartitions', changes))
  }

  async setTopicConfigs(changes: readonly { topic: TopicId; configs: Readonly<Record<string, string>> }[]) {
    return this.#changed(await this.#transport.call('setTopicConfigs', changes))
  }

  snapshotRows(table: SnapshotTable, after: SnapshotRow | null, limit: number) {
    return this.#transport.call('snapshotRows', table, after, limit)
  }

  openEpoch() {
    return this.#transport.call('openEpoch')
  }

  renewEpoch(epoch: number) {
    return this.#transport.call('renewEpoch', epoch)
  }

  closeEpoch(epoch: number) {
    return this.#transport.call('closeEpoch', epoch)
  }

  async commit(objects: readonly NewObject[]): Promise<Assignment[][]> {
    const { assignments, appended } = await this.#commitSurely(objects)
    for (const listener of this.#appendListeners) listener(appended, true)
    return assignments
  }

  findExtents(queries: readonly ExtentQuery[]) {
    return this.#transport.call('findExtents', queries)
  }

  findByTime(queries: readonly TimeQuery[]) {
    return this.#transport.call('findByTime', queries)
  }

  bounds(partitions: readonly PartitionId[]) {
    return this.#transport.call('bounds', partitions)
  }

  advanceLogStart(changes: readonly { partition: PartitionId; offset: number }[]) {
    return this.#transport.call('advanceLogStart', changes)
  }

  onAppend(listener: AppendListener): () => void {
    this.#appendListeners.add(listener)
    return () => this.#appendListeners.delete(listener)
  }

  expireProducers(idleMs: number) {
    return this.#transport.call('expireProducers', idleMs)
  }

  allocateProducerIds(count: number) {
    return this.#transport.call('allocateProducerIds', count)
  }

  activeProducers(partitions: readonly PartitionId[]) {
    return this.#transport.call('activeProducers', partitions)
  }

  stepTransaction(id: string, event: TransactionEvent, partitions: readonly PartitionId[], fence: Fence) {
    return this.#transport.call('stepTransaction', id, event, partitions, fence)
  }

  findTransactions(ids: readonly string[]) {
    return this.#transport.call('findTransactions', ids)
  }

  listTransactions() {
    return this.#transport.call('listTransactions')
  }

  overdueTransactions(limit: number) {
    return this.#transport.call('overdueTransactions', limit)
  }

  expireTransactions(idleMs: number) {
    return this.#transport.call('expireTransactions', idleMs)
  }

  commitTransactionOffsets(
    id: string,
    event: Extract<TransactionEvent, { readonly kind: 'begin' | 'join' }>,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ) {
    return this.#transport.call('commitTransactionOffsets', id, event, group, offsets, fence)
  }

  pendingOffsets(group: string) {
    return this.#transport.call('pendingOffsets', group)
  }

  raiseFence(fence: Fence) {
    return this.#transport.call('raiseFence', fence)
  }

  acquireLeases(names: readonly string[], holder: LeaseHolder, durationMs: number) {
    return this.#transport.call('acquireLeases', names, holder, durationMs)
  }

  renewLeases(fences: readonly Fence[], holderId: string, durationMs: number) {
    return this.#transport.call('renewLeases', fences, holderId, durationMs)
  }

  releaseLeases(holderId: string) {
    return this.#transport.call('releaseLeases', holderId)
  }

  findLeases(names: readonly string[]) {
    return this.#transport.call('findLeases', names)
  }

  commitOffsets(group: string, offsets: readonly CommittedOffset[], fence: Fence) {
    return this.#transport.call('commitOffsets', group, offsets, fence)
  }

  groupOffsets(group: string) {
    return this.#transport.call('groupOffsets', group)
  }

  deleteOffsets(group: string, partitions: readonly { topic: TopicId; partition: number }[], fence: Fence) {
    return this.#transport.call('deleteOffsets', group, partitions, fence)
  }

  listGroups() {
    return this.#transport.call('listGroups')
  }

  saveGroup(group: string, state: Uint8Array, fence: Fence) {
    return this.#transport.call('saveGroup', group, state, fence)
  }

  isGroupKnown(group: string) {
    return this.#transport.call('isGroupKnown', group)
  }

  loadGroup(group: string) {
    return this.#transport.call('loadGroup', group)
  }

  deleteGroup(group: string, fence: Fence) {
    return this.#transport.call('deleteGroup', group, fence)
  }

  idleGroups(idleMs: number) {
    return this.#transport.call('idleGroups', idleMs)
  }

  expireGroup(group: string, idleMs: number, fence: Fence) {
    return this.#transport.call('expireGroup', group, idleMs, fence)
  }

  credentials() {
    return this.#transport.call('credentials')
  }

  findCredential(username: string) {
    return this.#transport.call('findCredential', username)
  }

  putCredentials(credentials: readonly NewCredential[]) {
    return this.#transport.call('putCredentials', credentials)
  }

  deleteCredentials(usernames: readonly string[]) {
    return this.#transport.call('deleteCredentials', usernames)
  }

  deleteScramKeys(username: string, hash: 'sha256' | 'sha512') {
    return this.#transport.call('deleteScramKeys', username, hash)
  }

  expireCredentials() {
    return this.#transport.call('expireCredentials')
  }

  securityVersion() {
    return this.#transport.call('securityVersion')
  }

  aclRules() {
    return this.#transport.call('aclRules')
  }

  setAclMode(mode: AclRules['mode']) {
    return this.#transport.call('setAclMode', mode)
  }

  changeAcls(change: AclChange) {
    return this.#transport.call('changeAcls', change)
  }

  settingsVersion() {
    return this.#transport.call('settingsVersion')
  }

  settings() {
    return this.#transport.call('settings')
  }

  changeSettings(changes: readonly SettingChange[]) {
    return this.#transport.call('changeSettings', changes)
  }

  retain(rules: readonly RetentionRule[]) {
    return this.#transport.call('retain', rules)
  }

  mergeCandidates(rule: MergeRule) {
    return this.#transport.call('mergeCandidates', rule)
  }

  sparseObjects(maxObjects: number, maxBytes: number) {
    return this.#transport.call('sparseObjects', maxObjects, maxBytes)
  }

  cleanedUntil(partitions: readonly PartitionId[]) {
    return this.#transport.call('cleanedUntil', partitions)
  }

  replaceExtents(made: MadeObject, replaced: readonly Extent[], cleaning?: Cleaning) {
    return this.#transport.call('replaceExtents', made, replaced, cleaning ?? null)
  }

  deadObjects(graceMs: number, limit: number) {
    return this.#transport.call('deadObjects', graceMs, limit)
  }

  forgetObjects(ids: readonly number[]) {
    return this.#transport.call('forgetObjects', ids)
  }

  closedEpochs(expiryMs: number) {
    return this.#transport.call('closedEpochs', expiryMs)
  }

  knownObjects(keys: readonly string[]) {
    return this.#transport.call('knownObjects', keys)
  }

  forgetEpoch(epoch: number) {
    return this.#transport.call('forgetEpoch', epoch)
  }

  /**
   * Commits objects; when the answer was lost, finds out what happened and repeats the commit if nothing did. From then
   * on the commit fails only with `unknown_outcome`, whatever the later error: even an attempt that has no visible
   * effect yet may still be executed, and then its objects are needed.
   */
  async #commitSurely(objects: readonly NewObject[]): Promise<CallResult<'commit'>> {
    let isUncertain = false
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#transport.call('commit', objects)
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error
        isUncertain ||= error.code === 'unknown_outcome'
        if (!isUncertain) throw error
        const recalled = await this.#recall(objects)
        if (typeof recalled !== 'string') return recalled
        // A closed epoch admits no further commits, so a commit that is not found now has not happened and never will.
        if (recalled === 'never' && error.code === 'epoch_closed') throw error
        if (recalled === 'unclear' || attempt === maxCommitRepetitions) throw unknownOutcome(error)
      }
    }
  }

  async #recall(objects: readonly NewObject[]): Promise<CallResult<'recallCommit'>> {
    try {
      return await this.#transport.call('recallCommit', objects)
    } catch (error) {
      if (error instanceof MetadataError) throw unknownOutcome(error)
      throw error
    }
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  #onChange({ appended, catalogVersion = 0, isAfterGap }: Change): void {
    if (appended !== undefined) for (const listener of this.#appendListeners) listener(appended, false)
    if (catalogVersion <= this.#catalog.version && !isAfterGap) return
    // Callers that need certainty refresh again, and get the error themselves.
    this.refresh().catch(() => undefined)
  }

  #changed(change: TopicChange): TopicChange['outcomes'] {
    this.#learn(change)
    return change.outcomes
  }

  /** Adopts a list of topics unless a later one is already known. */
  #learn(topics: TopicList): void {
    if (topics.version <= this.#catalog.version) return
    this.#catalog = catalogOf(topics)
    for (const listener of this.#topicListeners) listener(this.#catalog)
  }
}

function unknownOutcome(cause: MetadataError): MetadataError {
  return new MetadataError('unknown_outcome', `the answer to a commit was lost: ${cause.message}`, { cause })
}

function catalogOf({ topics, version }: TopicList): Catalog {
  return {
    byName: new Map(topics.map(topic => [topic.name, topic])),
    byId: new Map(topics.map(topic => [topic.id, topic])),
    version,
  }
}
