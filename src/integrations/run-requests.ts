import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../database/heard-in-transaction';

/**
 * Requests a run for an integration that was enabled or has a new secret. Its earlier failures no longer count.
 */
@Injectable()
export class RunRequests extends HeardInTransaction<[integrationId: string]> {}
