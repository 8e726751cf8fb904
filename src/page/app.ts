// The app around the page: a browser, or an app that shows pages, which often loses saved files without an error; and
// the kind of device.

/** Patterns of user agents, and the names of their apps. */
const APPS: readonly (readonly [RegExp, string])[] = [
  [/Instagram/i, "Instagram"],
  [/MessengerForiOS|Orca-Android|FB_IAB\/MESSENGER|FBAN\/MessengerLite/i, "Messenger"],
  [/FBAN|FBAV|FB_IAB|FB4A|FBIOS/, "Facebook"],
  [/Barcelona/, "Threads"],
  [/Telegram/i, "Telegram"],
  [/WhatsApp/i, "WhatsApp"],
  [/Snapchat/i, "Snapchat"],
  [/TikTok|musical_ly|Bytedance|BytedanceWebview|trill/i, "TikTok"],
  [/MicroMessenger|WeChat/i, "WeChat"],
  [/KAKAOTALK/i, "KakaoTalk"],
  [/\bLine\//i, "LINE"],
  [/Twitter(?!bot)/i, "X"],
  [/LinkedIn(?!Bot)/i, "LinkedIn"],
  [/Pinterest(?!bot)/i, "Pinterest"],
  [/\bViber/i, "Viber"],
  [/\bQQ\//, "QQ"],
  [/\bDiscord(?!bot)/i, "Discord"],
  [/\bSlack(?!bot|-)/i, "Slack"],
  [/\bTeams\//i, "Teams"],
  [/\bGSA\//, "Google"],
];

/** An Android WebView, or one of iOS: Safari and other browsers of iOS have "Safari" in their user agents. */
const ANONYMOUS = /Android.*(; wv\)|Version\/[\d.]+ Chrome\/)|(iPhone|iPad|iPod)(?!.*Safari\/).*AppleWebKit/;

/** The app that shows the page; "" for one without a name, `null` for a browser. */
export function appOf(userAgent: string): string | null {
  const app = APPS.find(([mark]) => mark.test(userAgent));
  if (app) return app[1];
  // Telegram's browsers have an ordinary user agent, and add these objects to pages.
  if ("TelegramWebviewProxy" in globalThis || "TelegramWebview" in globalThis) return "Telegram";
  return ANONYMOUS.test(userAgent) ? "" : null;
}

/** The app that shows this page. */
export const APP = appOf(navigator.userAgent);

/** Whether the device is used by touch, as phones and tablets are: it has no terminal, and less memory. */
export const IS_PHONE = matchMedia("(pointer: coarse)").matches;
