"""The screen knows some refusals by their code; the services must have them."""

import importlib
import pkgutil

import cngstation.services
from cngstation.errors import registered
from tui.issue import SECOND_CARD
from tui.screens.register_vehicle import RegisterVehicleScreen


def test_the_refusals_that_a_form_offers_to_accept_exist() -> None:
    """Each code under which a form offers Enter once more is a code of a service."""
    for module in pkgutil.iter_modules(cngstation.services.__path__):
        importlib.import_module(f"cngstation.services.{module.name}")
    assert {*RegisterVehicleScreen.ACCEPTS, SECOND_CARD} <= registered().keys()
