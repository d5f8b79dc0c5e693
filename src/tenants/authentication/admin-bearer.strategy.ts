import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-http-bearer';
import { AdminKeys } from '../admin-keys/admin-keys.service';

export const ADMIN_BEARER = 'admin-bearer';

/** `Authorization: Bearer {admin key}` */
@Injectable()
export class AdminBearerStrategy extends PassportStrategy(Strategy, ADMIN_BEARER) {
  constructor(private readonly keys: AdminKeys) {
    super();
  }

  async validate(token: string) {
    return (await this.keys.verify(token)) ?? false;
  }
}
