import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { KnownGroups } from '../../integrations/connection-test/known-groups';
import { READS_LAG_MS } from '../plan/just-created';

/** Provides some remote groups of the integration, to check whether another credential sees them. */
@Injectable()
export class ClaimedRemoteGroups implements OnModuleInit {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly known: KnownGroups,
  ) {}

  onModuleInit(): void {
    this.known.register((integrationId, limit) => this.some(integrationId, limit));
  }

  private async some(integrationId: string, limit: number): Promise<string[]> {
    const rows = await this.reader.query<{ remoteId: string }[]>(
      `SELECT remoteId FROM remote_group WHERE integrationId = ? AND remoteId IS NOT NULL AND deletingSince IS NULL
         AND (createdRemotelyAt IS NULL OR createdRemotelyAt <= ?) ORDER BY id LIMIT ?`,
      [integrationId, Date.now() - READS_LAG_MS, limit],
    );
    return rows.map(({ remoteId }) => remoteId);
  }
}
