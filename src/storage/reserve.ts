/**
 * How much of a store's reserve a put leaves free, where the default is all of it. `freeing` is for work that frees
 * more space than it takes: it may use half of the reserve once records are refused anyway, and otherwise leaves them
 * their room. `deferrable` is for work that can wait: it leaves records as much room as the reserve.
 */
export type Purpose = 'freeing' | 'deferrable'

/** With less than this share of the reserve beyond it, the disk counts as full for records, which come in batches. */
const FULL_BELOW = 1 / 4

/** How many of the usable bytes must remain after a put for this purpose. */
export function bytesToLeave(reserveBytes: number, usableBytes: number, purpose: Purpose | undefined): number {
  switch (purpose) {
    case 'freeing':
      return usableBytes < reserveBytes * (1 + FULL_BELOW) ? reserveBytes / 2 : reserveBytes
    case 'deferrable':
      return reserveBytes * 2
    case undefined:
      return reserveBytes
  }
}
