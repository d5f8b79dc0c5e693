import { Injectable } from '@nestjs/common';
import { Hook } from '../database/hook';
import type { Transaction } from '../database/transaction-runner';
import type { ChangeContext } from './change-context';

/** Reports a user that the IdP deactivated or deleted: removing the user from the target is now urgent. */
@Injectable()
export class Departures extends Hook<[tx: Transaction, context: ChangeContext, userId: string]> {}
