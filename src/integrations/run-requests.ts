import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';

/**
 * Tells of an integration whose target is to be asked now, for what was found out about it before says nothing any more: it
 * was enabled, or has another secret.
 */
@Injectable()
export class RunRequests extends HeardInTransaction<[integrationId: string]> {}
