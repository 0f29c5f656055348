export { transactionErrorCode } from './error-codes.ts'
export { Transactions } from './transactions.ts'
