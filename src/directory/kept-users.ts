import { Injectable } from '@nestjs/common';
import { Hook } from '../database/hook';
import type { Transaction } from '../database/transaction-runner';

/** Asks which of these deleted users are still shown by name: their rows stay. */
@Injectable()
export class KeptUsers extends Hook<[userIds: readonly string[]], readonly string[]> {}

/** The rows of these users (at most a thousand) are removed: other rooms remove theirs in the same transaction. */
@Injectable()
export class RemovedUsers extends Hook<[tx: Transaction, userIds: readonly string[]]> {}
