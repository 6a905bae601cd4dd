"""How good are forecasts?"""
