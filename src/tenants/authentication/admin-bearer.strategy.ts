import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { InjectRepository } from '@nestjs/typeorm';
import { Strategy } from 'passport-http-bearer';
import { MoreThan, type Repository } from 'typeorm';
import { isLive } from '../../admin-api/key';
import { FailedAuthentications } from '../../security/failed-authentications';
import { RateLimits } from '../../security/rate-limits';
import { AdminKey } from '../admin-keys/admin-key.entity';
import { AdminKeys } from '../admin-keys/admin-keys.service';
import { type Admin, ENVIRONMENT_KEY_ID } from './admin';

export const ADMIN_BEARER = 'admin-bearer';

/** The part of a request that the strategy gets. */
export interface BearerRequest {
  headers: { authorization?: string };
  ip: string;
}

/** `Authorization: Bearer {admin key}` */
@Injectable()
export class AdminBearerStrategy extends PassportStrategy(Strategy, ADMIN_BEARER) {
  private readonly failures: FailedAuthentications;

  constructor(
    private readonly keys: AdminKeys,
    private readonly limits: RateLimits,
    @InjectRepository(AdminKey) private readonly stored: Repository<AdminKey>,
  ) {
    super({ passReqToCallback: true });
    this.failures = new FailedAuthentications((afterId, limit) =>
      stored.find({
        select: { id: true, tokenHash: true },
        where: { id: MoreThan(afterId) },
        order: { id: 'ASC' },
        take: limit,
      }),
    );
  }

  /** @throws TooManyRequestsError */
  async validate({ ip }: BearerRequest, token: string): Promise<Admin | false> {
    const admin = await this.failures.verify(
      token,
      ip,
      () => this.keys.verify(token),
      this.keys.isFromEnvironment(token),
    );
    if (admin === null) return false;
    await this.limits.take('admin', admin.keyId, admin.tenantId);
    return admin;
  }

  /** False if the key expired or was revoked after the admin was authenticated. */
  async mayStillAct({ keyId }: Admin): Promise<boolean> {
    if (keyId === ENVIRONMENT_KEY_ID) return true;
    const key = await this.stored.findOneBy({ id: keyId });
    return key !== null && isLive(key);
  }
}
