import { Injectable } from '@nestjs/common';
import { Hook } from '../../database/hook';
import type { Transaction } from '../../database/transaction-runner';

/** Announces that a connection has passed an admin's test: remembered failures of it are out of date. */
@Injectable()
export class TestedConnections extends Hook<[tx: Transaction, integrationId: string]> {}
