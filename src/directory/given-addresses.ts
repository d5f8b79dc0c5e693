import { Injectable } from '@nestjs/common';
import { Hook } from '../database/hook';
import type { Transaction } from '../database/transaction-runner';
import type { ChangeContext } from './change-context';

/**
 * Reports a user that became active or got another address: an earlier look-up of this address may have found another
 * remote user. `emailKey` is the folded address.
 */
@Injectable()
export class GivenAddresses extends Hook<
  [tx: Transaction, context: ChangeContext, given: { userId: string; emailKey: string }]
> {}
