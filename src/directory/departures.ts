import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';
import type { ChangeContext } from './change-context';

/** Reports a user that the IdP deactivated or deleted: removing the user from the target is now urgent. */
@Injectable()
export class Departures extends HeardInTransaction<[context: ChangeContext, userId: string]> {}
