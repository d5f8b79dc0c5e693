import { Module } from '@nestjs/common';
import { AuditLog } from './audit-log';
import { AuditRetention } from './audit-retention';
import { AuditTrail } from './audit-trail';

@Module({ providers: [AuditLog, AuditTrail, AuditRetention], exports: [AuditLog, AuditTrail] })
export class AuditModule {}
