/** The API's own types: what the server writes and the console reads is declared once. */
export type * from '../../../src/control/api-types.ts'
