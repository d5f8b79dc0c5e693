import { Injectable } from '@nestjs/common';
import { Hook } from '../database/hook';
import type { Transaction } from '../database/transaction-runner';

/**
 * Requests a run for an integration that was enabled or has a new secret. Its earlier failures no longer count.
 */
@Injectable()
export class RunRequests extends Hook<[tx: Transaction, integrationId: string]> {}
