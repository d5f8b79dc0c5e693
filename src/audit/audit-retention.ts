import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings';
import { deleteInThousands } from '../database/bounded-delete';
import { TransactionRunner } from '../database/transaction-runner';
import { firstIdAt } from './audit-trail';

const DAY_MS = 24 * 60 * 60_000;
const EVERY_MS = 60 * 60_000;

/** Removes events after the retention time of the settings. No other code removes events. */
@Injectable()
export class AuditRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(AuditRetention.name);
  private timer: NodeJS.Timeout | null = null;
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly transactions: TransactionRunner,
  ) {}

  onApplicationBootstrap(): void {
    if (this.settings.auditRetentionDays === 0) return;
    const begin = () => {
      this.underWay = this.sweep().catch((error: unknown) =>
        this.logger.error('Old audit events could not be removed. Scimify tries again in an hour', error),
      );
    };
    begin();
    this.timer = setInterval(begin, EVERY_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.underWay;
  }

  private sweep(): Promise<void> {
    const oldest = Date.now() - this.settings.auditRetentionDays * DAY_MS;
    return deleteInThousands((work) => this.transactions.run(work), 'audit_event', 'id < ?', [
      firstIdAt(oldest),
    ]);
  }
}
