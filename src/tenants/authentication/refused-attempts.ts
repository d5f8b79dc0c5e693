import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AuditLog } from '../../audit/audit-log';
import { TransactionRunner } from '../../database/transaction-runner';
import type { Admin, AdminRequest } from './admin';

const WINDOW_SECONDS = 60;

/** Records refused requests of a known key in the audit, once a minute for each route, so no key can flood it. */
@Injectable()
export class RefusedAttempts {
  private readonly noted = new RateLimiterMemory({ points: 1, duration: WINDOW_SECONDS });

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly audit: AuditLog,
  ) {}

  async note(admin: Admin, { method, routeOptions }: AdminRequest): Promise<void> {
    const route = routeOptions.url!;
    if (!(await this.isFirstInWindow(`${admin.keyId} ${method} ${route}`))) return;
    await this.transactions.run((tx) =>
      this.audit.record(tx, {
        actor: admin.actor,
        action: 'admin_key.refused',
        target: { type: 'admin_key', id: admin.keyId },
        tenantId: admin.tenantId,
        outcome: 'failed',
        detail: { method, route, role: admin.role, leastRole: routeOptions.config.leastRole },
      }),
    );
  }

  private async isFirstInWindow(attempt: string): Promise<boolean> {
    try {
      await this.noted.consume(attempt);
      return true;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return false;
      throw refusal;
    }
  }
}
