/**
 * The database's current time, in milliseconds since 1970. An operation that needs it declares it as its last parameter
 * and receives it where the operation runs, so that callers' clocks have no influence.
 */
export type Now = number & { readonly isNow: true }
