import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';
import type { ChangeContext } from './change-context';

/**
 * Reports a user that became active or got another address: an earlier look-up of this address may have found another
 * remote user. `emailKey` is the folded address.
 */
@Injectable()
export class GivenAddresses extends HeardInTransaction<
  [context: ChangeContext, given: { userId: string; emailKey: string }]
> {}
