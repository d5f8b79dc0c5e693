import { Injectable } from '@nestjs/common';
import { Announcement } from '../database/announcement';

/** Says the id of an integration whose mode, settings, secret or policies changed, or whose suspension ended. */
@Injectable()
export class IntegrationChanges extends Announcement {}
