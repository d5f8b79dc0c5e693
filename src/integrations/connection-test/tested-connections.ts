import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../../database/heard-in-transaction';

/** Announces that a connection has passed an admin's test: remembered failures of it are out of date. */
@Injectable()
export class TestedConnections extends HeardInTransaction<[integrationId: string]> {}
