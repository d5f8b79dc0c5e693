import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';
import type { ChangeContext } from './change-context';

/** Tells of a user whom the IdP has deactivated or deleted: that a target still keeps them somewhere has become urgent. */
@Injectable()
export class Departures extends HeardInTransaction<[context: ChangeContext, userId: string]> {}
