// The pages work without this script; it adds the menu button on a phone, focus on error summaries, character counts, and bars that move
// while something goes on.
import { initAll } from './govuk-frontend.min.js'

if ('noModule' in HTMLScriptElement.prototype) {
  document.body.classList.add('js-enabled', 'govuk-frontend-supported')
}
initAll()

const live = document.querySelector('[data-ldsp-live]')
if (live) setTimeout(look, 1000)

// Takes over what differs in the page as it is now, so that a reader's place stays; once nothing goes on, shows what came of it.
async function look() {
  const silent = document.getElementById('live-silent')
  try {
    const answer = await fetch(location.href, { cache: 'no-store' })
    silent.hidden = true
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (!page.querySelector('[data-ldsp-live]')) return location.reload()
    for (const part of live.children) {
      const now = page.getElementById(part.id)
      const value = now.getAttribute('value')
      if (part.textContent !== now.textContent) part.textContent = now.textContent
      if (value === null) part.removeAttribute('value')
      else part.setAttribute('value', value)
    }
  } catch {
    // The server may be starting again: it is asked until it answers.
    silent.hidden = false
  }
  setTimeout(look, 1000)
}
