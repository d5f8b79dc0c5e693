import { Injectable } from '@nestjs/common';
import { HeardInTransaction } from '../../database/heard-in-transaction';

/** Tells of a connection that has passed the test of an admin: what is remembered of its failures holds no longer. */
@Injectable()
export class TestedConnections extends HeardInTransaction<[integrationId: string]> {}
