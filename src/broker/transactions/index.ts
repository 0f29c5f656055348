export { transactionErrorCode } from './error-codes.ts'
export { type TransactionOutcome, Transactions } from './transactions.ts'
