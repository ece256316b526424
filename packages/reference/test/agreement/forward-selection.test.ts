import { forwardSelection } from '../pairs/forward-selection.js';
import { describeAgreement } from './describe-agreement.js';

describeAgreement(forwardSelection);
