/**
 * The present time of the database, in milliseconds since 1970. An operation that needs it declares it as its last
 * parameter, and gets it where the operation runs: the clocks of those who call decide nothing.
 */
export type Now = number & { readonly isNow: true }
