import { gradual } from '../pairs/gradual.js';
import { describeAgreement } from './describe-agreement.js';

describeAgreement(gradual);
