"""The pages. None of them computes: what is not known yet is asked of the worker."""

import re

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from . import found, queue

# Change this line, run `pulumi up`, and reload the page.
TITLE = "Prime factors"

WRONG = "Please give a whole number, of 24 digits at most."
BUSY = "There is a long queue. Please try again in a minute."


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    if request.method != "POST":
        return page(request)
    text = re.sub(r"[\s,.']", "", request.POST.get("number", "")).lstrip("0")
    if not re.fullmatch("[1-9][0-9]{0,23}", text):
        return page(request, 422, problem=WRONG)
    if found.get(text) is None and not queue.ask(text):
        return page(request, 503, problem=BUSY)
    return redirect("number", number=text)


@never_cache
@require_safe
def number(request, number):
    factors = found.get(number)
    if factors is not None:
        return page(request, number=number, factors=factors)
    if not queue.has(number):
        return page(request, 404, problem="Nobody has asked for this number lately.")
    answer = page(request, 202, number=number, waiting=queue.length())
    answer["Refresh"] = "1"
    return answer


@require_safe
def health(request):
    queue.length()
    return HttpResponse("ok", content_type="text/plain")


def page(request, status=200, **told):
    return render(request, "page.html", {"title": TITLE, "static": settings.STATIC_URL, **told}, status=status)
