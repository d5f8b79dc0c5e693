import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';
import type { ChangeContext } from './change-context';

/**
 * Tells of a user who is active, or has another address, from now on: somebody else may have been found by that address
 * before. The key is the folded address.
 */
@Injectable()
export class GivenAddresses extends HeardInTransaction<
  [context: ChangeContext, given: { userId: string; emailKey: string }]
> {}
