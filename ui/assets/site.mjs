// The pages work without this script; it adds the menu button on a phone, focus on error summaries and character counts.
import { initAll } from './govuk-frontend.min.js'

if ('noModule' in HTMLScriptElement.prototype) {
  document.body.classList.add('js-enabled', 'govuk-frontend-supported')
}
initAll()
