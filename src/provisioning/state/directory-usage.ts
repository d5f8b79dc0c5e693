import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { TenantUsage, type Usage } from '../../tenants/tenant-usage.service';

/** Counts the users, groups and memberships that the IdPs of a tenant have written. */
@Injectable()
export class DirectoryUsage implements OnModuleInit {
  constructor(
    @InjectDataSource() private readonly reader: DataSource,
    private readonly usage: TenantUsage,
  ) {}

  onModuleInit(): void {
    this.usage.register((tenantId) => this.of(tenantId));
  }

  private async of(tenantId: string): Promise<Pick<Usage, 'users' | 'groups' | 'memberships'>> {
    const [row] = await this.reader.query<Record<'users' | 'groups_' | 'memberships', number | null>[]>(
      `SELECT SUM(users) AS users, SUM(groups_) AS groups_, SUM(memberships) AS memberships
       FROM directory_count WHERE tenantId = ?`,
      [tenantId],
    );
    return {
      users: Number(row?.users ?? 0),
      groups: Number(row?.groups_ ?? 0),
      memberships: Number(row?.memberships ?? 0),
    };
  }
}
