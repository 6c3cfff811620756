"""What apps for Silver Lining of 2010 import from it, as far as an app needs it. An app that brings a package of this name has its own."""
